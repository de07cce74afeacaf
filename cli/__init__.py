"""The terminal face: parse a command, call the story, show the answer."""
