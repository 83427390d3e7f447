import { worker } from 'workerpool'
import { echo, fib, spin } from './functions.ts'

worker({ echo, fib, spin })
