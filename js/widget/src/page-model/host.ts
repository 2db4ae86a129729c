/** What the module knows of the answer that it runs for. One object per session. */
export interface Host {
  send(content: unknown): void;
  /** Puts a node between the answer and its strip; null takes it away. */
  slot(node: HTMLElement | null): void;
}

/** What the page's own model is to do. */
export interface Prompt {
  readonly messages: readonly Message[];
  readonly schema: object | null;
  readonly stop: readonly string[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
  readonly prefix?: boolean;
}
