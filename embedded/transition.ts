/** What a statement does to rows; one trigger function for each. */
export type Operation = 'INSERT' | 'UPDATE' | 'DELETE';

/** The transition tables of the trigger functions: a statement's rows as they are now and as they were. */
export const NEW_ROWS = 'viewcast_new';
export const OLD_ROWS = 'viewcast_old';
