import { type Scenario } from '../scenario';
import { always } from './always';
import { hold } from './hold';
import { never } from './never';

/** Every scenario, in the order in which they are listed and run. */
export const SCENARIOS: readonly Scenario[] = [always, never, hold];
