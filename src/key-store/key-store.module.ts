import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { KeyStore } from './key-store.js';
import { SecretBox } from './secret-box.js';
import { StoredKey } from './stored-key.entity.js';

@Module({
  imports: [TypeOrmModule.forFeature([StoredKey])],
  providers: [KeyStore, SecretBox],
  exports: [KeyStore, SecretBox],
})
export class KeyStoreModule {}
