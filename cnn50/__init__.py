"""What is the same on every page of *Convolutional networks in fifty questions*.

``import cnn50`` comes first on a page. It quiets TensorFlow, seeds Python, NumPy and Keras, turns
TensorFlow's deterministic kernels on where there is no GPU, and sets back what a reader's own
settings of Keras and Matplotlib would change.

``data``      real data and pretrained weights, every file checked by its sha256
``scenes``    procedural pictures whose boxes, masks and depths are known exactly
``evidence``  claims that are measured and can fail
``intervals`` means that know how far they can be trusted
``figures``   pictures and tables that also carry their numbers as text
``shown``     functions that one page wrote out in full and later pages import
``measured``  figures from machines that are not this one, with machine, versions and date
"""

from cnn50.runtime import pick, scale, seed, steps
from cnn50.settings import prepare

__version__ = "1.0.0"
__all__ = ["pick", "scale", "scale_report", "seed", "steps"]


def scale_report(page: str) -> None:
    """What grows on a GPU on this page; see ``cnn50.report.scale_report``."""
    from cnn50 import report  # here, since it draws, and data and tools do without

    report.scale_report(page)


prepare()
