import { refreshLoad, whoamiLoad } from '../peers/latchkey/subject.mjs';
import { startLatchkey, STRICT } from '../support/latchkey.mjs';
import { sendLoad } from '../support/load.mjs';
import { median, ratioOf } from '../support/statistics.mjs';

/**
 * What rate limits cost: guarded requests and refreshes of a server with limits against one without, alternating. The limits
 * count everything and refuse nothing. Without a limit on either side, the ratio of the two is the noise of the machine: `off`.
 * `node bench/scripts/limits.mjs [rounds] [on|off] [DATABASE_URL DATABASE_URL]`
 */
const [rounds = '5', compared = 'on', ...databases] = process.argv.slice(2);
const SECONDS = 4;
const HIGH = 'refresh-session=1000000/1m,register-address=1000000/1d,register-network=1000000/1d';
const servers = [];
for (const [i, limits] of [compared, 'off'].entries()) {
  const own = { RATE_LIMITS: limits, RATE_LIMIT_OVERRIDES: HIGH, ...(databases[i] && { DATABASE_URL: databases[i] }) };
  const { url, stop } = await startLatchkey({ ...STRICT, BCRYPT_COST: '4', ...own });
  servers.push({ url, stop, limits, guarded: [], refreshes: [] });
}

for (let round = -1; round < Number(rounds); round++) {
  for (const [name, prepare] of Object.entries({ guarded: whoamiLoad, refreshes: refreshLoad })) {
    for (const server of round % 2 ? servers : servers.toReversed()) {
      const { perSecond } = await sendLoad(await prepare(server.url), SECONDS);
      if (round >= 0) server[name].push(perSecond);
    }
  }
}
for (const { stop } of servers) await stop();

for (const name of ['guarded', 'refreshes']) {
  for (const server of servers) {
    const figures = server[name].map(Math.round).join(' ');
    console.log(
      `${name.padEnd(10)} ${server.limits.padEnd(3)} ${figures} /s, median ${Math.round(median(server[name]))}`,
    );
  }
  const [on, off] = servers.map((server) => server[name]);
  const ofMedians = median(on) / median(off);
  console.log(
    `${name}: ratio of the medians ${ofMedians.toFixed(3)}, median of the ratios ${ratioOf(on, off).median.toFixed(3)}`,
  );
}
