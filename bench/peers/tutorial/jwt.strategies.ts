import { Injectable, UnauthorizedException } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { Request } from 'express';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { AuthService } from './auth.service.js';
import { ACCESS_SECRET, REFRESH_SECRET } from './constants.js';

interface Payload {
  sub: number;
  email: string;
}

/** Reads the user for each request: so a deleted one is refused. */
@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy, 'jwt') {
  constructor(private readonly auth: AuthService) {
    super({
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      ignoreExpiration: false,
      secretOrKey: ACCESS_SECRET,
    });
  }

  async validate({ sub }: Payload) {
    const user = await this.auth.findById(sub);
    if (!user) throw new UnauthorizedException();
    return user;
  }
}

@Injectable()
export class JwtRefreshStrategy extends PassportStrategy(Strategy, 'jwt-refresh') {
  constructor() {
    super({
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      secretOrKey: REFRESH_SECRET,
      passReqToCallback: true,
    });
  }

  validate(request: Request, { sub }: Payload) {
    return { userId: sub, refreshToken: request.get('authorization')!.replace('Bearer', '').trim() };
  }
}
