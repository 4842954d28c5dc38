import { ANONYMOUS, type Identity } from "../bus/ports.ts";

/** What a client says of itself. */
export type Credentials =
  | { readonly kind: "none" }
  | { readonly kind: "password"; readonly user: string; readonly password: string }
  | { readonly kind: "token"; readonly token: string }
  /** The common name of a certificate that a CA of the listener's has signed: proven, not claimed. */
  | { readonly kind: "certificate"; readonly commonName: string };

/** Decides who a client is. */
export interface Authenticator {
  /** Rejects with `unauthenticated`; the message never repeats a secret. */
  authenticate(credentials: Credentials, address: string): Promise<Identity>;
}

/** Lets everyone in: a user name is believed, everything else is anonymous. */
export const ALLOW_ANYONE: Authenticator = {
  authenticate: async (credentials) => {
    switch (credentials.kind) {
      case "password":
        return { user: credentials.user };
      case "certificate":
        return { user: credentials.commonName };
      default:
        return ANONYMOUS;
    }
  },
};
