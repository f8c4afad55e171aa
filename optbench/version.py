"""Which version this is: that of the installed package, which git's tags name."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("optbench")
except PackageNotFoundError:  # a source tree that was never installed
    VERSION = "0+unknown"
