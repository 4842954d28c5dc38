import { asyncApiDocument } from "./asyncapi.ts";
import type { DocumentAddress, DocumentFacts } from "./facts.ts";
import { openApiDocument } from "./openapi.ts";

/** The gateway's documents by the path they are served at: JSON text, made when it is asked for. */
export type ApiDocuments = ReadonlyMap<string, () => string>;

/** What the documents are made of; where the listeners are is known only once they are open. */
export interface ApiDocumentParts extends Omit<DocumentFacts, "addresses"> {
  addresses(): readonly DocumentAddress[];
}

/** Both documents. Each is made once for the same addresses, however often it is asked for. */
export function apiDocuments(parts: ApiDocumentParts): ApiDocuments {
  const text = (build: (facts: DocumentFacts) => unknown) => {
    let made: { readonly of: readonly DocumentAddress[]; readonly text: string } | null = null;
    return () => {
      const addresses = parts.addresses();
      if (made?.of !== addresses) {
        const { version, config } = parts;
        made = { of: addresses, text: JSON.stringify(build({ version, config, addresses })) };
      }
      return made.text;
    };
  };
  return new Map([
    ["/openapi.json", text(openApiDocument)],
    ["/asyncapi.json", text(asyncApiDocument)],
  ]);
}
