"""The same program with a Task and a Queue."""

import asyncio


async def account(mailbox):
    message, reply = await mailbox.get()
    reply.set_result(100 + message)


async def main():
    mailbox = asyncio.Queue()
    task = asyncio.create_task(account(mailbox))
    reply = asyncio.get_running_loop().create_future()
    mailbox.put_nowait((50, reply))
    print(await reply, flush=True)
    await task


if __name__ == "__main__":
    asyncio.run(main())
