// By path, because it has to be the copy of Nest that the program itself loads: the peers have another one.
import '../../node_modules/reflect-metadata/Reflect.js';

export { Controller, Get, Module } from '../../node_modules/@nestjs/common/index.js';
export { NestFactory } from '../../node_modules/@nestjs/core/index.js';
export { JwtService } from '../../node_modules/@nestjs/jwt/dist/index.js';
