import { Body, Controller, Get, HttpCode, Module, Post, Req, UseGuards } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { AuthGuard, PassportModule } from '@nestjs/passport';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuthService } from './auth.service.js';
import { JwtRefreshStrategy, JwtStrategy } from './jwt.strategies.js';
import { User } from './user.entity.js';

class Credentials {
  email: string;
  password: string;
}

@Controller()
export class AppController {
  constructor(private readonly auth: AuthService) {}

  @Get('open')
  open() {
    return { hello: 'world' };
  }

  @UseGuards(AuthGuard('jwt'))
  @Get('guarded')
  guarded() {
    return { hello: 'world' };
  }

  @Post('auth/register')
  register(@Body() { email, password }: Credentials) {
    return this.auth.register(email, password);
  }

  @HttpCode(200)
  @Post('auth/login')
  login(@Body() { email, password }: Credentials) {
    return this.auth.login(email, password);
  }

  @UseGuards(AuthGuard('jwt-refresh'))
  @HttpCode(200)
  @Post('auth/refresh')
  refresh(@Req() { user }: { user: { userId: number; refreshToken: string } }) {
    return this.auth.refresh(user.userId, user.refreshToken);
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'better-sqlite3',
      database: 'tutorial.sqlite',
      entities: [User],
      synchronize: true,
      enableWAL: true,
    }),
    TypeOrmModule.forFeature([User]),
    PassportModule,
    JwtModule.register({}),
  ],
  controllers: [AppController],
  providers: [AuthService, JwtStrategy, JwtRefreshStrategy],
})
export class AppModule {}
