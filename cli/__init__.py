"""The terminal face: parse a command, call the story, show the answer."""

import gc

# Nearly everything that a start makes stays until the end; to look through it again and again for
# what can be thrown away takes a tenth of a short command. Done here, before the first module.
gc.set_threshold(20_000, 10, 10)
