/** What a newcomer who opens the address in a browser sees: where things are and how to try them. */
export function homePage(version: string, host: string, isSecure: boolean): string {
  const s = isSecure ? "s" : "";
  const base = `http${s}://${escapeHtml(host)}`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Tributary</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}pre{background:#8882;padding:1rem;overflow-x:auto}</style>
<h1>Tributary ${escapeHtml(version)}</h1>
<p>MQTT, WebSocket, HTTP and raw TCP clients exchange messages here over one bus.</p>
<pre>
# publish
curl -d hello ${base}/v1/topics/greetings

# wait for the next message (long-poll)
curl -G --data-urlencode 'filter=#' ${base}/v1/poll

# follow everything (server-sent events)
curl -N -G --data-urlencode 'filter=#' ${base}/v1/stream

# keep a value, and read it back
curl -d 21.5 '${base}/v1/topics/room/temperature?retain=true'
curl ${base}/v1/topics/room/temperature
</pre>
<p>WebSocket: <code>ws${s}://${escapeHtml(host)}/ws</code>. MQTT over WebSocket:
<code>ws${s}://${escapeHtml(host)}/mqtt</code>.</p>
<p><a href="/v1/status">Status</a> · <a href="/v1/sessions">Sessions</a> ·
<a href="/v1/topics">Topics</a> · <a href="/metrics">Metrics</a> ·
<a href="/healthz">Live</a> · <a href="/readyz">Ready</a> ·
<a href="/openapi.json">OpenAPI</a> · <a href="/asyncapi.json">AsyncAPI</a></p>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
