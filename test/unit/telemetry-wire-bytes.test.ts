import { expect, test } from "vitest";
import { WireBytes } from "../../src/telemetry/wire-bytes.ts";

const counts = (wire: WireBytes): Record<string, number> =>
  Object.fromEntries(
    wire.series().map(({ labels, count }) => [`${labels.transport} ${labels.direction}`, count]),
  );

test("bytes of open and closed sockets add up, and none is counted twice", () => {
  const wire = new WireBytes();
  const first = { bytesRead: 0, bytesWritten: 0, writableLength: 0 };
  const second = { bytesRead: 0, bytesWritten: 0, writableLength: 0 };
  wire.carries(first, "mqtt");
  wire.carries(second, "mqtt");
  first.bytesRead = 10;
  second.bytesWritten = 7;
  expect(counts(wire)).toEqual({ "mqtt in": 10, "mqtt out": 7 });
  first.bytesRead = 15;
  wire.closed(first);
  wire.closed(first);
  expect(counts(wire)).toEqual({ "mqtt in": 15, "mqtt out": 7 });
});

test("what the kernel has not taken is not on the wire", () => {
  const wire = new WireBytes();
  const socket = { bytesRead: 0, bytesWritten: 100, writableLength: 60 };
  wire.carries(socket, "tcp");
  expect(counts(wire)).toEqual({ "tcp in": 0, "tcp out": 40 });
  socket.writableLength = 0;
  expect(counts(wire)).toEqual({ "tcp in": 0, "tcp out": 100 });
});

test("a request that changes the transport is the first of the new one, the answer before it the last of the old", () => {
  const wire = new WireBytes();
  const socket = { bytesRead: 0, bytesWritten: 0, writableLength: 0 };
  wire.carries(socket, "http");
  socket.bytesRead = 100;
  wire.carries(socket, "http");
  expect(counts(wire)).toEqual({ "http in": 100, "http out": 0 });
  socket.bytesWritten = 50;
  socket.bytesRead = 180;
  wire.carries(socket, "websocket");
  socket.bytesWritten = 59;
  expect(counts(wire)).toEqual({
    "http in": 100,
    "http out": 50,
    "websocket in": 80,
    "websocket out": 9,
  });
});
