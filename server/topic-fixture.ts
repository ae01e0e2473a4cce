import { readFileSync } from 'node:fs';
import { parseSchema } from '../avro/schema.ts';
import { type NoTopic, readTopic, type Topic } from './submit/topic.ts';

/** For tests: a topic whose value is a text of at most ten characters, a number and what is filled. */

const KEY = { type: 'record', name: 'note_key', fields: [{ name: 'key', type: 'string' }] };
const VALUE = {
  type: 'record',
  name: 'note',
  archivedIn: 'notes.key',
  fields: [
    { name: 'text', type: ['null', 'string'], default: null, maxLength: 10 },
    { name: 'number', type: ['long', 'null'] },
    { name: 'sent', type: ['string', 'null'], fill: 'time' },
    { name: 'name', type: ['string', 'null'], fill: 'id' },
    {
      name: 'hops',
      type: ['null', { type: 'array', items: 'string' }],
      default: null,
      fill: 'provenance',
    },
  ],
};

export const NOTES = topicOf('notes', JSON.stringify(KEY), JSON.stringify(VALUE));

/** The project's own example. */
export const EXAMPLE = topicOf('example', avsc('example-key'), avsc('example-value'));

export function topicOf(name: string, key: string, value: string): Topic {
  const topic = anyTopicOf(name, key, value);
  if ('problem' in topic) throw new Error(topic.problem);
  return topic;
}

export function anyTopicOf(name: string, key: string, value: string): Topic | NoTopic {
  return readTopic({ topic: name, key: parseSchema(key), value: parseSchema(value) });
}

function avsc(name: string): string {
  return readFileSync(new URL(`../avro_schemas/${name}.avsc`, import.meta.url), 'utf8');
}

/** The columns of the view that shows notes. */
export const NOTE_COLUMNS = [
  { name: 'key', type: 'text' },
  { name: 'id', type: 'bigint' },
  { name: 'text', type: 'text' },
  { name: 'number', type: 'bigint' },
];
