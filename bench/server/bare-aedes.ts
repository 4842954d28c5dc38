import { createServer } from "node:net";
import { Aedes } from "aedes";

/** aedes as it comes, on a plain TCP server as its README shows. */
const aedes = await Aedes.createBroker();
const server = createServer(aedes.handle);

server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address !== "string") process.stdout.write(`${address.port}\n`);
});
