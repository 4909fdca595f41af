"""What Python and the import take."""

import zanni

print(150, zanni.__name__, flush=True)
