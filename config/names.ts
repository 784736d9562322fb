/** Provider of an organisation or location that records nobody. */
export const NO_PROVIDER = 'none';

/** Provider of a location: that of its organisation. */
export const INHERIT_PROVIDER = 'inherit';

/** Languages that the product has prompts in. */
export const PACKAGED_LANGUAGES: readonly string[] = ['en', 'pt-BR', 'es'];

/** Prompts that must exist in the language of a user. */
export const PROMPT_KINDS = ['start', 'stop', 'pause', 'resume', 'compliance', 'failure'] as const;

/** Licences that include recording; users with any other cannot be enabled. */
export const RECORDING_LICENCES: readonly string[] = ['professional', 'basic'];
