"""What is true: commitments, actions, the rules they follow, and their history."""
