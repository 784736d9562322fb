import { becomeOnlyRun } from '../../bench/only-run';
import { freeUdpPort } from '../../support/free-port';

test('a second run is refused until the first has ended', async () => {
  const claim = { host: '127.0.0.1', port: await freeUdpPort() };
  const end = await becomeOnlyRun(claim);
  await expect(becomeOnlyRun(claim)).rejects.toThrow('Another benchmark is running');
  await end();
  await (
    await becomeOnlyRun(claim)
  )();
});
