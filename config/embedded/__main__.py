"""python -m config.embedded keep|stop|remove DATA_DIR [setting=value ...]   (ensure() starts `keep`)"""

import sys
from pathlib import Path

from config import embedded
from config.embedded import keeper


def main(arguments: list[str]) -> None:
    match arguments:
        case ["keep", data_dir, *settings]:
            keeper.keep(Path(data_dir), dict(setting.split("=", 1) for setting in settings))
        case ["stop", data_dir]:
            embedded.stop(Path(data_dir))
        case ["remove", data_dir]:
            embedded.remove(Path(data_dir))
        case _:
            sys.exit(str(__doc__))


try:
    main(sys.argv[1:])
except embedded.EmbeddedError as error:
    sys.exit(f"preempt: {error}")
