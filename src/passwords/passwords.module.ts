import { Module } from '@nestjs/common';
import { KeyStoreModule } from '../key-store/key-store.module.js';
import { BreachedPasswords } from './breached-passwords.js';
import { HashingMetrics } from './hashing-metrics.js';
import { HashingQueue, LookupQueue } from './hashing-queue.js';
import { NewPasswordCheck } from './new-password-check.js';
import { PasswordHasher } from './password-hasher.js';
import { PasswordStrength } from './password-strength.js';

@Module({
  imports: [KeyStoreModule],
  providers: [
    BreachedPasswords,
    HashingMetrics,
    HashingQueue,
    LookupQueue,
    NewPasswordCheck,
    PasswordHasher,
    PasswordStrength,
  ],
  exports: [NewPasswordCheck, PasswordHasher, PasswordStrength],
})
export class PasswordsModule {}
