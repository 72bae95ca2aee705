const answersWithinMs = 10_000;

export interface Series {
  name: string;
  tags?: Record<string, string>;
  columns: string[];
  values: (string | number | null)[][];
}

/** Asks one InfluxQL statement. @throws with InfluxDB's own words */
export async function influxql(queryUrl: string, statement: string): Promise<Series[]> {
  const response = await fetch(queryUrl, {
    method: 'POST',
    body: new URLSearchParams({ q: statement }),
    signal: AbortSignal.timeout(answersWithinMs),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`InfluxDB answers ${response.status}: ${text.slice(0, 300)}`);
  const { results } = JSON.parse(text) as { results: { series?: Series[]; error?: string }[] };
  const error = results.find((result) => result.error)?.error;
  if (error) throw new Error(`InfluxDB: ${error}`);
  return results.flatMap(({ series }) => series ?? []);
}
