"""The same program in xoscar."""

import asyncio

import xoscar


class Account(xoscar.Actor):
    def add(self, message):
        return 100 + message


async def main():
    pool = await xoscar.create_actor_pool("127.0.0.1", n_process=0)
    async with pool:
        account = await xoscar.create_actor(Account, address=pool.external_address)
        print(await account.add(50), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
