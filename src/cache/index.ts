export * from './public.ts'
export { remeasure } from './remeasure.ts'
