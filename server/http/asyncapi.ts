import { z } from 'zod';
import { CLOSE } from '../../protocol/close.ts';
import {
  type ClientMessage,
  PROTOCOL_VERSION,
  SCHEMA_HASH,
  type ServerMessage,
} from '../../protocol/message.ts';
import { clientMessageSchema, serverMessageSchema } from '../../protocol/schema.ts';
import { toComponents } from './json-schema.ts';
import { exampleReplySchema, exampleRequestSchema, streamMessageSchema } from './rest-schema.ts';

/** A JSON document, or a part of one. */
type Document = Readonly<Record<string, unknown>>;

/** What each message is, in a line; PROTOCOL.md says the rest. */
const CLIENT_SUMMARIES: Readonly<Record<ClientMessage['type'], string>> = {
  auth: 'Presents a token, first of all or to refresh one before it expires.',
  subscribe: 'Asks for one or several views as one, from nothing or from what is held already.',
  unsubscribe: 'Ends a subscription; not answered.',
  ack: 'All of a channel up to `upper` has been applied.',
  submit: 'A message in; sent again with the same id it is the same message.',
};
const SERVER_SUMMARIES: Readonly<Record<ServerMessage['type'], string>> = {
  hello: 'The first message of a connection: version, limits, whether a token is required.',
  authorized: 'The token holds, for so long.',
  subscribed: 'A subscription stands on a channel; its first batch follows.',
  batch: 'What turns the views at `lower` into the views at `upper`; a null `lower` is nothing.',
  progress: 'Nothing changed up to `upper`; the hash of the rows there.',
  status: 'Whether the channel follows its upstream.',
  accepted: 'A submitted message is safe.',
  archived: 'A submitted message is in the views, and this connection was sent them.',
  error: 'Something was not done, or a subscription has ended.',
};

const ref = (path: string): Document => ({ $ref: `#/${path}` });

/**
 * `/asyncapi.json`: what the server speaks over WebSockets, as AsyncAPI 3. The messages are the
 * schemas that the server checks with, so the document cannot say something else.
 */
export function asyncApiDocument(): Document {
  const change = toComponents('Change', streamMessageSchema);
  const clientTypes = Object.keys(CLIENT_SUMMARIES);
  const serverTypes = Object.keys(SERVER_SUMMARIES);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'viewcast',
      version: String(PROTOCOL_VERSION),
      description: 'Live SQL views for any number of viewers. PROTOCOL.md is the specification.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      'x-schema': SCHEMA_HASH,
    },
    defaultContentType: 'application/json',
    servers: {
      local: {
        host: '{host}',
        protocol: 'ws',
        variables: { host: { default: 'localhost:8875' } },
      },
    },
    channels: {
      v1: {
        address: `/api/v${PROTOCOL_VERSION}`,
        description: 'One JSON object a text message, in both directions; the server speaks first.',
        messages: messageRefs([...clientTypes, ...serverTypes]),
        'x-close-codes': Object.values(CLOSE),
      },
      stream: {
        address: '/api/stream/{view}',
        description: 'One view; nothing is to be sent.',
        parameters: { view: { description: 'The name of a view, percent-encoded.' } },
        messages: messageRefs(['change']),
      },
      example: {
        address: '/example/ws/',
        description: 'The two-way socket of the example system; the newest 20 are pushed, too.',
        messages: messageRefs(['exampleRequest', 'exampleReply']),
      },
    },
    operations: {
      hear: operation('receive', 'v1', clientTypes),
      say: operation('send', 'v1', serverTypes),
      stream: operation('send', 'stream', ['change']),
      exampleHear: operation('receive', 'example', ['exampleRequest']),
      exampleSay: operation('send', 'example', ['exampleReply']),
    },
    components: {
      messages: {
        ...messages(CLIENT_SUMMARIES),
        ...messages(SERVER_SUMMARIES),
        ...messages({
          change: 'Rows deleted and inserted up to a timestamp; first, all rows.',
          exampleRequest: 'Sends a message, or asks for the newest 20.',
          exampleReply: 'The text that was accepted, the newest 20, or an error.',
        }),
      },
      schemas: {
        ...memberSchemas('Client', clientMessageSchema),
        ...memberSchemas('Server', serverMessageSchema),
        change: change.schema,
        ...change.others,
        exampleRequest: toComponents('ExampleRequest', exampleRequestSchema).schema,
        exampleReply: toComponents('ExampleReply', exampleReplySchema).schema,
      },
    },
  };
}

function messages(summaries: Readonly<Record<string, string>>): Document {
  return Object.fromEntries(
    Object.entries(summaries).map(([name, summary]) => [
      name,
      { name, summary, payload: ref(`components/schemas/${name}`) },
    ]),
  );
}

function messageRefs(names: readonly string[]): Document {
  return Object.fromEntries(names.map((name) => [name, ref(`components/messages/${name}`)]));
}

function operation(action: string, channel: string, names: readonly string[]): Document {
  const messages = names.map((name) => ref(`channels/${channel}/messages/${name}`));
  return { action, channel: ref(`channels/${channel}`), messages };
}

const unionSchema = z.object({
  oneOf: z.array(
    z.looseObject({ properties: z.looseObject({ type: z.object({ const: z.string() }) }) }),
  ),
});

/** A union's members by their `type`, and what they refer to. */
function memberSchemas(name: string, union: z.ZodType): Document {
  const { schema, others } = toComponents(name, union);
  const { oneOf } = unionSchema.parse(schema);
  const members = oneOf.map((member) => [member.properties.type.const, member] as const);
  return { ...Object.fromEntries(members), ...others };
}
