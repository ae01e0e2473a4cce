// All charts under one name, for the tests that load them into a page of their own.
export { barRace } from './bar-race.ts';
export { odometer } from './odometer.ts';
