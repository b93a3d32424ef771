import { All, Controller, Get, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ApiOperation, type OpenAPIObject } from '@nestjs/swagger';
import { beforeAll, describe, expect, it } from 'vitest';
import { Public, Roles } from '../identity/decorators.js';
import { createDocument } from './document.js';
import { Problems } from './problems.js';
import { ACCESS_TOKEN, OptionalSecurity } from './security-schemes.js';

@Problems('not_found')
class Base {
  @Public()
  @Get('inherited')
  inherited(): void {}
}

@Controller('notes')
class NotesController extends Base {
  @Get()
  list(): void {}

  @Public()
  @ApiOperation({ operationId: 'findNotes' })
  @Get('find')
  ownId(): void {}

  @Public()
  @Get(['a', 'b'])
  twoPaths(): void {}

  @Public()
  @All('any')
  anyMethod(): void {}

  @Public()
  @OptionalSecurity('bearer')
  @Get('optional')
  optional(): void {}

  @Roles('admin')
  @Problems('email_taken')
  @Problems('validation_failed', 'password_rejected')
  @Post()
  create(): void {}
}

@Module({ controllers: [NotesController] })
class NotesModule {}

describe('the OpenAPI document of a team’s controller', () => {
  let paths: OpenAPIObject['paths'];
  beforeAll(async () => {
    const app = await NestFactory.create(NotesModule, new FastifyAdapter(), { logger: false });
    await app.init();
    ({ paths } = createDocument(app, { issuer: 'https://auth.example.com' }));
    await app.close();
  });

  it('requires an access token unless a handler is public', () => {
    expect(paths['/notes']!.get!.security).toEqual(ACCESS_TOKEN);
    expect(paths['/notes']!.get!.responses).toHaveProperty('401');
  });

  it.each([
    ['has an operationId of its own', '/notes/find', 'get'],
    ['has several paths', '/notes/a', 'get'],
    ['has several paths', '/notes/b', 'get'],
    ['takes every method', '/notes/any', 'post'],
    ['is inherited', '/notes/inherited', 'get'],
  ] as const)('finds the metadata of a handler that %s: %s', (_, path, method) => {
    expect(paths[path]![method]!.security).toEqual([]);
  });

  it('lists a credential as optional under @OptionalSecurity()', () => {
    expect(paths['/notes/optional']!.get!.security).toEqual([{}, { bearer: [] }]);
  });

  it('lists the problem codes of @Problems() and @Roles()', () => {
    const { responses } = paths['/notes']!.post!;
    const descriptions = ['400', '403', '404', '409', '422'].map((status) => responses[status]);
    const named = JSON.stringify(descriptions);
    for (const code of ['validation_failed', 'password_rejected', 'email_taken', 'not_found', 'insufficient_role']) {
      expect(named).toContain(`\`${code}\``);
    }
  });
});
