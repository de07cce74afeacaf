"""What people are told: notices put into words and handed to a channel."""
