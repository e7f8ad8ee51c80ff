"""Small sets cut from real images that ship inside dependencies.

They come from one slide, one fundus picture and two tables. They exercise every task kind without a network
and carry no biomedical claim.
"""

from teachkit.data.embedded.building import build as build
from teachkit.data.embedded.building import names as names
