"""A caller whose settings would change outputs in every way at once."""

from __future__ import annotations

import json
import sys
from pathlib import Path

KERAS = {
    "backend": "jax",
    "image_data_format": "channels_first",
    "floatx": "float16",
    "epsilon": 0.01,
}
INVISIBLE = "text.color: white\naxes.labelcolor: white\nfont.size: 3\nbackend: svg\n"
STARTUP = """\
import numpy as np
np.set_printoptions(precision=1)
import matplotlib.pyplot as plt
plt.style.use("dark_background")
print("hello from a startup file")
"""
PROFILE = """\
c.InteractiveShell.ast_node_interactivity = "all"
c.InteractiveShellApp.exec_lines = ["print('hello from a profile')"]
c.InlineBackend.figure_formats = {"svg"}
"""
POISON = "raise RuntimeError('the wrong {name} was imported')\n"


def hostile_caller(folder: Path) -> dict[str, str]:
    """Variables that point into ``folder``, where homes and modules lie that nobody wants."""
    home = folder / "home"
    modules = folder / "modules"
    user_site = home / ".local/lib/python{}.{}/site-packages".format(*sys.version_info)
    files = {
        home / ".keras" / "keras.json": json.dumps(KERAS),
        home / ".config" / "matplotlib" / "matplotlibrc": INVISIBLE,
        home / ".ipython" / "profile_default" / "startup" / "00-style.py": STARTUP,
        home / ".ipython" / "profile_default" / "ipython_config.py": PROFILE,
        home / ".ipython" / "profile_default" / "ipython_kernel_config.py": PROFILE,
        user_site / "usercustomize.py": "print('hello from the user site')\n",
        modules / "sitecustomize.py": "print('hello from the module path')\n",
        folder / "startup.py": STARTUP,
    }
    for name in ("packaging", "yaml", "keras", "matplotlib", "cnn50"):
        files[modules / f"{name}.py"] = POISON.format(name=name)
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "KERAS_HOME": str(home / ".keras"),
        "KERAS_BACKEND": "jax",
        "KERAS_MAX_EPOCHS": "1",
        "IPYTHONDIR": str(home / ".ipython"),
        "MPLCONFIGDIR": str(home / ".config" / "matplotlib"),
        "MATPLOTLIBRC": str(home / ".config" / "matplotlib" / "matplotlibrc"),
        "MPLBACKEND": "svg",
        "PYTHONPATH": str(modules),
        "PYTHONSTARTUP": str(folder / "startup.py"),
        "PYTHONOPTIMIZE": "2",
        "PYTHONWARNINGS": "always",
        "PYTEST_ADDOPTS": "--no-such-option",
        "PYTEST_PLUGINS": "no_such_plugin",
        "TF_CPP_MIN_LOG_LEVEL": "0",
        "TF_USE_LEGACY_KERAS": "1",
        "TF_NUM_INTRAOP_THREADS": "7",
        "CNN50_SCALE": "gpu",
        "CNN50_BASE_SEED": "99",
    }
