import { checkedFetch } from "./documents/checked-fetch.ts";

/** Samples of one scrape. */
export interface Samples {
  /** Every sample's name, the prefix included. */
  readonly names: readonly string[];
  /** Sum over the samples of a metric, named without its prefix, that carry these labels. */
  sum(name: string, labels: Readonly<Record<string, string>>): number;
}

interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** Scrapes a gateway. Throws for a line that is neither comment nor sample. */
export async function readMetrics(url: string): Promise<Samples> {
  const answer = await checkedFetch(`${url}/metrics`);
  const samples = parse(await answer.text());
  return {
    names: samples.map(({ name }) => name),
    sum: (name, labels) =>
      samples
        .filter((sample) => sample.name === `tributary_${name}`)
        .filter((sample) => Object.entries(labels).every(([k, v]) => sample.labels.get(k) === v))
        .reduce((sum, { value }) => sum + value, 0),
  };
}

function parse(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const found = LINE.exec(line);
    if (found === null) throw new Error(`not a sample: ${line}`);
    const [, name = "", labels = "", value = ""] = found;
    const pairs = [...labels.matchAll(LABEL)].map(
      ([, key = "", text = ""]) => [key, text] as const,
    );
    samples.push({ name, labels: new Map(pairs), value: Number(value) });
  }
  return samples;
}
