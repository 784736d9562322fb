export { Acceptance } from './acceptance';
export { Dialog, type DialogRequest } from './dialog';
export { DialogTable } from './dialog-table';
export { addressBy, type Addressing } from './route-set';
export { isBehindNat, targetOf } from './target';
