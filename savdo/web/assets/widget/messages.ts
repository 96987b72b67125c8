// What the page and the window tell each other, and the shapes the server gives.

export interface Config {
  name: string;
  bot_name: string;
  locale: string;
  colours: { accent: string; on_accent: string; ink_light: string; ink_dark: string };
  position: "left" | "right";
  theme: "auto" | "light" | "dark";
  welcome: string;
  launcher: string;
  starters: string[];
  prechat: { fields: { name: "name" | "email" | "phone"; required?: boolean }[]; consent: string | null; version: string };
  hours: { open: boolean; from: string | null } | null;
  features: { uploads: boolean; identity_required: boolean; upload_mb: number };
  texts: Record<string, string>;
}

export interface Attachment {
  id: string;
  kind: string;
  name: string;
  mime: string;
  size: number;
  url: string;
}

export interface Button {
  id: string;
  title: string;
  url?: string;
}

export interface Message {
  id: number;
  client_msg_id: string | null;
  direction: "in" | "out";
  author: { kind: "visitor" | "bot" | "human" | "system"; name: string };
  type: string;
  text: string;
  buttons: Button[];
  attachments: Attachment[];
  reply_to: number | null;
  created_at: string;
  edited_at: string | null;
  deleted: boolean;
}

/** A message of the visitor's that the server has not confirmed. `failed` holds why, in words. */
export interface Pending {
  client_msg_id: string;
  text: string;
  attachments: { id: string; name: string; kind: string; mime: string; size: number }[];
  quick_reply: { message_id: number; id: string; title: string } | null;
  sent_at: string;
  failed: string;
}

export interface Page {
  url: string;
  referrer: string;
  title: string;
}

/** Entries of the site page's storage that belong to this chat, without their prefix. */
export type Stored = Record<string, string>;

export type ToFrame =
  | { v: 1; type: "init"; config: Config; stored: Stored; page: Page; utm: Record<string, string>; open: boolean; dark: boolean | null }
  | { v: 1; type: "open" | "close" | "reset" }
  | { v: 1; type: "config"; config: Config }
  | { v: 1; type: "identify"; person: Record<string, unknown> }
  | { v: 1; type: "send"; text: string }
  | { v: 1; type: "stored"; stored: Stored };

export type ToPage =
  | { v: 1; type: "ready" | "close" | "read" }
  | { v: 1; type: "store"; name: string; value: string | null }
  | { v: 1; type: "unread"; count: number }
  | { v: 1; type: "event"; name: string; detail: unknown };
