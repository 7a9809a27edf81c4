"""Figures and tables that carry their numbers as text.

Every figure is displayed twice: as a picture (PNG, or JPEG where that is smaller), and as a
sentence with its key numbers. That sentence is the alternative text on the site, and what a run
is compared with, since pictures differ by a pixel from one machine to the next. Colours are Okabe
and Ito's, which people with the common kinds of colour blindness can tell apart
(https://jfly.uni-koeln.de/color/).
"""

from matplotlib.patches import Rectangle as Rectangle  # question 2 draws with it

from cnn50.figures.base import DPI, LINE_STYLES, MARKERS, PALETTE, STYLE, WIDTH, new, show
from cnn50.figures.drawings import block, drawing, grid, joint, tensor, words
from cnn50.figures.pictures import boxes, images, masks, picture
from cnn50.figures.plots import bars, curves, heatmap
from cnn50.figures.sliders import slider
from cnn50.figures.tables import table

__all__ = [
    "DPI",
    "LINE_STYLES",
    "MARKERS",
    "PALETTE",
    "STYLE",
    "WIDTH",
    "bars",
    "block",
    "boxes",
    "curves",
    "drawing",
    "grid",
    "heatmap",
    "images",
    "joint",
    "masks",
    "new",
    "picture",
    "show",
    "slider",
    "table",
    "tensor",
    "words",
]
