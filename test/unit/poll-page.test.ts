import { describe, expect, test } from "vitest";
import type { Message } from "../../src/bus/message.ts";
import { PollPages } from "../../src/transport/http/poll-page.ts";
import { BusKit, draft } from "../support/bus-kit.ts";

describe("poll pages", () => {
  test("a page that fails half-way leaves nothing for the next poll", () => {
    const kit = new BusKit();
    const offsets = [kit.publish("a", "one"), kit.publish("a", "two")];
    const messages = offsets.flatMap((offset) => kit.bus.messageAt(offset) ?? []);
    const pages = new PollPages(kit.bus, { readNow: () => 0 });
    const cursor = kit.bus.cursorAt(2);
    const whole = String(new PollPages(kit.bus, { readNow: () => 0 }).body(messages, cursor, true));
    const broken: Message = {
      ...draft("a"),
      offset: 3,
      acceptedAt: 0,
      get properties(): never {
        throw new RangeError("out of memory");
      },
    };
    expect(() => pages.body([...messages, broken], cursor, true)).toThrow(RangeError);
    expect(String(pages.body(messages, cursor, true))).toBe(whole);
  });
});
