import { Injectable, UnauthorizedException } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { InjectRepository } from '@nestjs/typeorm';
import { compare, hash } from 'bcrypt';
import { Repository } from 'typeorm';
import { ACCESS_SECRET, PASSWORD_COST, REFRESH_SECRET, REFRESH_TOKEN_COST } from './constants.js';
import { User } from './user.entity.js';

@Injectable()
export class AuthService {
  constructor(
    @InjectRepository(User) private readonly users: Repository<User>,
    private readonly jwt: JwtService,
  ) {}

  async register(email: string, password: string) {
    await this.users.save({ email, password: await hash(password, PASSWORD_COST) });
  }

  findById(id: number) {
    return this.users.findOneBy({ id });
  }

  async login(email: string, password: string) {
    const user = await this.users.findOneBy({ email });
    if (!user || !(await compare(password, user.password))) throw new UnauthorizedException();
    return this.issueTokens(user);
  }

  async refresh(userId: number, refreshToken: string) {
    const user = await this.findById(userId);
    if (!user?.hashedRefreshToken || !(await compare(refreshToken, user.hashedRefreshToken)))
      throw new UnauthorizedException();
    return this.issueTokens(user);
  }

  private async issueTokens({ id, email }: User) {
    const [access_token, refresh_token] = await Promise.all([
      this.jwt.signAsync({ sub: id, email }, { secret: ACCESS_SECRET, expiresIn: '15m' }),
      this.jwt.signAsync({ sub: id, email }, { secret: REFRESH_SECRET, expiresIn: '7d' }),
    ]);
    await this.users.update(id, { hashedRefreshToken: await hash(refresh_token, REFRESH_TOKEN_COST) });
    return { access_token, refresh_token };
  }
}
