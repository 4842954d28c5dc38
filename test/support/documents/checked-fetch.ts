import { checkAnswer } from "./answer-check.ts";

/** `fetch` that rejects when the answer is not one the OpenAPI document knows. */
export async function checkedFetch(url: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, init);
  const { pathname, search } = new URL(url);
  checkAnswer({
    method: init.method ?? "GET",
    target: `${pathname}${search}`,
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: Buffer.from(await response.clone().arrayBuffer()),
  });
  return response;
}
