import { Module } from '@nestjs/common';
import { KeysModule } from '../keys/keys.module.js';
import { PasswordHasher } from './password-hasher.js';

@Module({ imports: [KeysModule], providers: [PasswordHasher], exports: [PasswordHasher] })
export class PasswordsModule {}
