import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ProblemFilter } from './problem.filter.js';
import { ErrorTranslators, type Translator } from './to-problem.js';

/** The contract of errors, for all modules. A filter of a module that is imported later takes precedence. */
@Module({})
export class ProblemModule {
  static forRoot(...translators: Translator[]): DynamicModule {
    return {
      module: ProblemModule,
      global: true,
      providers: [
        { provide: ErrorTranslators, useValue: new ErrorTranslators(translators) },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
      exports: [ErrorTranslators],
    };
  }
}
