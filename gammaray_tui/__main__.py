"""Run gammaray-tui as `python -m gammaray_tui`."""

from gammaray_tui.cli import main

if __name__ == "__main__":
    main()
