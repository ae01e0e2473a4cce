import { z } from 'zod';

const jsonSchema = z.looseObject({
  $schema: z.unknown().optional(),
  $defs: z.record(z.string(), z.unknown()).optional(),
});

/**
 * A schema as JSON Schema for a document's `components.schemas`, and what it refers to: those get
 * names that start with `name`. As input, so that fields which a reader does not know are allowed
 * where the schema allows them.
 */
export function toComponents(
  name: string,
  schema: z.ZodType,
): { readonly schema: object; readonly others: Readonly<Record<string, unknown>> } {
  const text = JSON.stringify(z.toJSONSchema(schema, { io: 'input' }));
  const moved = text.replaceAll('"#/$defs/', `"#/components/schemas/${name}`);
  const { $schema: _, $defs = {}, ...rest } = jsonSchema.parse(JSON.parse(moved));
  const others = Object.entries($defs).map(([key, value]) => [`${name}${key}`, value] as const);
  return { schema: rest, others: Object.fromEntries(others) };
}
