"""Key Wizard: replaces a Binance API key safely and stays until the legacy key is proven dead."""

__version__ = "0.1.0"
