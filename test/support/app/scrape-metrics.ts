import type { Http, RequestOptions } from '../http/http.js';

type Series = Record<string, number>;

/** The parsed response of `GET /metrics`. */
interface MetricsScrape {
  text: string;
  /** By name and sorted labels, without empty ones: `latchkey_logins_total{outcome="success"}`. */
  series: Series;
  /** `counter`, `gauge` or `histogram`, by name. */
  types: Record<string, string>;
}

export async function scrapeMetrics(http: Http, options: RequestOptions = {}): Promise<MetricsScrape> {
  const { status, body } = await http.get<string>('/metrics', options);
  if (status !== 200) throw new Error(`metrics: ${status} ${JSON.stringify(body)}`);
  const lines = body.split('\n').filter((line) => line !== '');
  const types = lines.flatMap((line) => {
    const [, name, type] = /^# TYPE (\S+) (\w+)$/.exec(line) ?? [];
    return name ? [[name, type!]] : [];
  });
  const series = lines.filter((line) => !line.startsWith('#')).map(toEntry);
  if (new Set(series.map(([name]) => name)).size < series.length) throw new Error('Duplicate series');
  return { text: body, series: Object.fromEntries(series), types: Object.fromEntries(types) };
}

function toEntry(line: string): [name: string, value: number] {
  const match = /^([a-z_]\w*)(?:\{(.*)\})? (\S+)$/.exec(line);
  if (!match) throw new Error(`Not a sample: ${line}`);
  const [, name = '', list = '', value] = match;
  const labels = [...list.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].filter(([, , text]) => text !== '');
  const sorted = labels.map(([label]) => label).sort();
  return [sorted.length > 0 ? `${name}{${sorted.join(',')}}` : name, Number(value)];
}

/**
 * The `latchkey_…_total` counters that grew during `work`, and by how much. Mails go out after the response to an earlier
 * request: they count only where the test is about them.
 */
export async function countedDuring(
  http: Http,
  work: () => Promise<unknown>,
  { withMails = false }: { withMails?: boolean } = {},
): Promise<Series> {
  const { series: before } = await scrapeMetrics(http);
  await work();
  const { series: after } = await scrapeMetrics(http);
  const grown = Object.entries(after)
    .filter(([name]) => /^latchkey_\w+_total\b/.test(name) && (withMails || !name.startsWith('latchkey_mails')))
    .map(([name, value]): [string, number] => [name, value - (before[name] ?? 0)]);
  return Object.fromEntries(grown.filter(([, by]) => by !== 0));
}
