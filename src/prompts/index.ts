export { definePrompts } from './define-prompts';
