import { EngineError } from './engine.ts';
import type { Relation } from './relation.ts';

/** What Materialize says to a name that is none (materialize.md §2.9). */
export function unknownItem(name: string): EngineError {
  return new EngineError('XX000', `unknown catalog item '${name}'`);
}

/** PostgreSQL's answer to an unknown relation, in Materialize's words. */
export function asMaterialize(error: unknown): unknown {
  if (!(error instanceof EngineError) || error.code !== '42P01') return error;
  const [, name] = /relation "(.*)" does not exist/.exec(error.message) ?? [];
  return name === undefined ? error : unknownItem(name);
}

/** DROP of another kind than the relation is. */
export function wrongKind(relation: Relation, kind: string): EngineError {
  const article = kind.startsWith('i') ? 'an' : 'a';
  return new EngineError('42809', `"${relation.name}" is not ${article} ${kind}`, {
    hint: `It is a ${relation.type}: use DROP ${relation.type.replace(/^.*-/, '').toUpperCase()}.`,
  });
}

/** DROP without CASCADE of what others use. */
export function stillNeeded(relation: Relation, dependent: Relation): EngineError {
  return new EngineError(
    '2BP01',
    `cannot drop "${relation.name}": "${dependent.name}" depends on it`,
    {
      hint: 'Use DROP … CASCADE to drop the dependent objects too.',
    },
  );
}

/** A name that is taken, as PostgreSQL says it. */
export function alreadyExists(name: string): EngineError {
  return new EngineError('42P07', `relation "${name}" already exists`);
}

/** SUBSCRIBE to what has no rows. */
export function rowless({ name, type }: Relation): EngineError {
  return new EngineError('42809', `'${name}' cannot be subscribed to because it is a ${type}`, {
    hint: 'Rows are in the tables made from it: CREATE TABLE … FROM SOURCE.',
  });
}
