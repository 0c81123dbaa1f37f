"""Random numbers that are the same in eager and compiled code: `tp.random`.

The generator is counter-based (Philox4x32-10): element i of a draw is a function of key and counter + i, and a draw
advances the counter, which is a Variable. A compiled function therefore draws anew at each call, and goes on where
eager code has stopped.

Bodies of `tp.scan` and its like can't advance the counter, and say so: draw what all turns need before the loop. Under
`tp.vmap` every example gets the same numbers: draw for the whole batch outside, and map over them.

>>> import tapec as tp
>>> tp.random.seed(0)
>>> first = tp.random.normal((2, 3))
>>> tp.random.seed(0)
>>> bool((tp.random.normal((2, 3)) == first).all())
True
"""

from tapec.random.continuous import normal as normal
from tapec.random.continuous import truncated_normal as truncated_normal
from tapec.random.continuous import uniform as uniform
from tapec.random.discrete import bernoulli as bernoulli
from tapec.random.discrete import categorical as categorical
from tapec.random.discrete import permutation as permutation
from tapec.random.discrete import randint as randint
from tapec.random.gamma import gamma as gamma
from tapec.random.generator import Generator as Generator
from tapec.random.generator import seed as seed
