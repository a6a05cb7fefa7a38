"""The core, which every process of the stack imports first."""

import gc

# Nearly all that a process makes while it starts stays: to look for garbage in it takes a tenth of
# a cold start. Python would every 2,000 objects, and a function that starts makes 100,000.
gc.set_threshold(200_000)
