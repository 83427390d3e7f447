import { HotpathError, type HotpathErrorCode } from '../core/index.ts'

/**
 * The part of Standard Schema (https://standardschema.dev, version 1) that is needed to validate:
 * Zod, Valibot, ArkType and others have it. The interface is meant to be copied.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

export interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/**
 * The value as the schema has it, its defaults and transformations applied.
 *
 * @throws HotpathError of `code`, with up to three of the places where the value does not pass
 */
export async function validate<Output>(
  schema: StandardSchema<unknown, Output>,
  value: unknown,
  code: HotpathErrorCode,
  what: string,
): Promise<Output> {
  const result = await schema['~standard'].validate(value)
  if (result.issues === undefined) return result.value
  const shown = result.issues.slice(0, 3).map(describeIssue)
  const more = result.issues.length - shown.length
  throw new HotpathError(
    code,
    `${what} does not pass its schema: ${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`,
  )
}

function describeIssue({ message, path = [] }: StandardIssue): string {
  const keys = path.map((step) => String(typeof step === 'object' ? step.key : step))
  return keys.length === 0 ? message : `${keys.join('.')}: ${message}`
}
