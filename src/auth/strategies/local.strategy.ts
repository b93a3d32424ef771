import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport-local';
import { requestOrigin } from '../../http/request-origin.js';
import type { User } from '../../users/user.entity.js';
import { hashingTicket } from '../hashing-ticket.js';
import { KnownDevices } from '../known-devices.js';
import { PasswordSignIn } from '../password-sign-in.js';

/** Verifies an e-mail address and a password, from a body that `LocalGuard` validated. */
@Injectable()
export class LocalStrategy extends PassportStrategy(Strategy, 'local') {
  constructor(
    private readonly signIns: PasswordSignIn,
    private readonly devices: KnownDevices,
  ) {
    super({ usernameField: 'email', passwordField: 'password', passReqToCallback: true });
  }

  async validate(request: FastifyRequest, email: string, password: string): Promise<User | false> {
    const signIn = { email, password, device: this.devices.find(request, email), origin: requestOrigin(request) };
    return (await this.signIns.authenticate(signIn, hashingTicket(request))) ?? false;
  }
}
