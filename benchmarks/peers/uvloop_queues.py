"""The same as `asyncio_queues`, on uvloop's event loop."""

from functools import partial

import uvloop

from . import asyncio_queues

run = partial(asyncio_queues.run, loop=uvloop.new_event_loop)
