import { createServer } from "node:http";

/** The floor of HTTP in Node: read a body, answer 202 with a body of the gateway's size. */
const ANSWER = JSON.stringify({ cursor: "abcdefghijkl-zzzz", offset: 1_234_567 });

const server = createServer((request, response) => {
  request.on("data", () => undefined);
  request.on("end", () => {
    response.writeHead(202, {
      "content-type": "application/json",
      "content-length": ANSWER.length,
    });
    response.end(ANSWER);
  });
});

server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address !== "string") process.stdout.write(`${address.port}\n`);
});
